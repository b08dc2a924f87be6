"""Cascades: what an AB_PGI's answer is held against."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.ab.cascade import check_cascade, finals, in_order, select, takers
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError, PgiError
from phoenix_core.model import Cascade, Finding


def ab(name, *needs):
    return AssociationBlock.create(
        {
            "RAW_TYPE": "X",
            "RECIPE": "x",
            "AB_NAME": f"{name}.ab",
            "MCALIB": [f"VIRTUAL {need}.ab IMAGE" for need in needs],
        }
    )


def names(blocks):
    return [block.name.removesuffix(".ab") for block in blocks]


@st.composite
def graphs(draw):
    """ABs that need some of those before them, shuffled."""
    size = draw(st.integers(0, 8))
    blocks = [
        ab(n, *draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else ())
        for n in range(size)
    ]
    return draw(st.permutations(blocks))


DIAMOND = Cascade((ab("a"), ab("b", "a"), ab("c", "a"), ab("d", "b", "c"), ab("e")))


@given(graphs())
def test_an_order_in_which_needs_come_first_is_found_and_is_always_the_same(blocks):
    ordered = in_order(blocks)
    assert sorted(names(ordered)) == sorted(names(blocks))
    check_cascade(Cascade(ordered), "pgi")
    assert in_order(reversed(blocks)) == ordered


@given(graphs(), st.data())
def test_a_selected_ab_comes_with_all_it_needs_and_nothing_else(blocks, data):
    cascade = Cascade(in_order(blocks))
    wanted = data.draw(st.sets(st.sampled_from(names(blocks)))) if blocks else set()
    part = select(cascade, [f"{name}.ab" for name in wanted])
    check_cascade(part, "pgi")
    assert {block.name for block in finals(part.blocks)} <= {f"{n}.ab" for n in wanted}


def test_needs_in_a_circle_are_told():
    with pytest.raises(ConfigError, match=r"in a circle: .*a\.ab.*c\.ab"):
        in_order([ab("a", "b"), ab("b", "c"), ab("c", "a"), ab("d")])


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([ab("a"), ab("a")], r"a\.ab is in the cascade twice"),
        ([ab("a", "b"), ab("b")], r"a\.ab stands before b\.ab, its input"),
        ([ab("fla"), ab("obj", "flat")], r"needs flat\.ab, .*; did you mean 'fla\.ab'"),
    ],
)
def test_an_answer_against_the_contract_blames_the_pgi(blocks, told):
    with pytest.raises(PgiError, match=f"^pgi_x: .*{told}"):
        check_cascade(Cascade(tuple(blocks)), "pgi_x")


def test_a_missing_need_that_the_pgi_found_itself_is_no_mistake_of_it():
    finding = Finding("b.ab is missing", "a.ab", is_error=True)
    check_cascade(Cascade((ab("a", "b"),), (finding,)), "pgi_x")


def test_findings_about_other_abs_are_left_out_of_a_selection():
    findings = (Finding("of b", "b.ab"), Finding("of e", "e.ab"), Finding("of all"))
    cascade = Cascade(DIAMOND.blocks, findings)
    part = select(cascade, ["b.ab"])
    assert names(part.blocks) == ["a", "b"]
    assert part.findings == (findings[0], findings[2])


def test_takers_and_finals_are_known():
    assert names(finals(DIAMOND.blocks)) == ["d", "e"]
    assert takers(DIAMOND.blocks)["a.ab"] == ("b.ab", "c.ab")
    assert takers(DIAMOND.blocks)["e.ab"] == ()
