"""What pgi_phoenix_GEN_in_order promises."""

import pytest

from phoenix_core.testing import AbPgiContract, toy_block


class TestInOrder(AbPgiContract):
    pgi = "pgi_phoenix_GEN_in_order"

    @pytest.fixture
    def blocks(self):
        first, last = toy_block("A0.ab", ["A1.ab", "Z.ab"]), toy_block("A1.ab")
        return [first, toy_block("Z.ab"), last]

    def test_no_ab_is_changed(self, run, blocks):
        cascade = self.cascade_of(run, blocks)
        assert set(cascade.blocks) == set(blocks)
        assert [block.name for block in cascade.blocks] == ["A1.ab", "Z.ab", "A0.ab"]
