"""Headers as cards of 80 bytes: some are set, all others stay byte for byte.

Not done with a library: astropy and cfitsio write cards anew that nobody asked for.
"""

from collections.abc import Iterable, Mapping

from attrs import field, frozen

from phoenix_core.fits.file import ALL_ONES, BLOCK, CARD, KEYWORD, encoded, fold, sum_of

CardValue = str | int | float | bool

_CARDS = BLOCK // CARD
_UNSIGNED = b"0" * 16  # the CHECKSUM for which the sum is taken
_COMMENTARY = (b"COMMENT ", b"HISTORY ", b" " * KEYWORD)
_CONTINUE = b"CONTINUE"
_STRUCTURE = frozenset(
    [
        *("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "GROUPS"),
        *("EXTEND", "END", "COMMENT", "HISTORY", "CONTINUE", "CHECKSUM", "DATASUM"),
    ]
)


@frozen
class HeaderEdit:
    """What to do with a header: cards to set, as (value, comment), and to take out."""

    cards: Mapping[str, tuple[CardValue, str]] = field(factory=dict)
    dropped: tuple[str, ...] = ()


def edited(header: bytes, edit: HeaderEdit) -> bytes:
    """Return a header, edited; it has as few blocks as it can, or as before.

    A card that is there is changed where it stands; a new short keyword goes before the
    HIERARCH cards, a new long one behind the last card with a value. The CHECKSUM, if
    there is one, is renewed by the difference: if it was right it is, and if the data
    were damaged that is found as before.

    Raises:
        ValueError: a value has no room in a card, or the keyword is one of those that
            tell how the data lie.
    """
    cards = _cards(header)
    before = list(cards)
    for keyword in edit.dropped:
        _check(keyword)
        _take_out(cards, keyword)
    for keyword, (value, comment) in edit.cards.items():
        _check(keyword)
        _put(cards, _name(keyword), _image(keyword, value, comment))
    if cards == before:
        return header
    return _signed(_joined(cards), ALL_ONES - fold(sum_of(header)))


def padded(header: bytes, size: int) -> bytes:
    """Lengthen a header by cards without a word, which later edits may use.

    A header with a CHECKSUM keeps a right one.
    """
    if len(header) == size:
        return header
    cards = _cards(header)
    blanks = [b" " * CARD] * (size // CARD - _CARDS - len(cards))
    return _signed(_joined([*cards, *blanks]), ALL_ONES - fold(sum_of(header)))


def _cards(header: bytes) -> list[bytes]:
    """The cards before END, without the blank ones at the end."""
    cards = [header[at : at + CARD] for at in range(0, len(header), CARD)]
    end = next(n for n, card in enumerate(cards) if card[:KEYWORD] == b"END     ")
    while end and not cards[end - 1].strip():
        end -= 1
    return cards[:end]


def _joined(cards: Iterable[bytes]) -> bytes:
    text = b"".join((*cards, b"END".ljust(CARD)))
    return text.ljust(-(-len(text) // BLOCK) * BLOCK)


def _check(keyword: str) -> None:
    name = _name(keyword)
    if name in _STRUCTURE or (name.startswith("NAXIS") and name[5:].isdigit()):
        raise ValueError(f"{name} tells how the file is made, and is not to be edited")


def _name(keyword: str) -> str:
    return " ".join(keyword.removeprefix("HIERARCH ").split())


def _name_of(card: bytes) -> str:
    """The keyword of a card, '' of one without a value."""
    if card.startswith(b"HIERARCH ") and b"=" in card:
        return _name(card[: card.index(b"=")].decode("ascii"))
    is_valued = card[KEYWORD : KEYWORD + 2] == b"= "
    return card[:KEYWORD].rstrip().decode("ascii") if is_valued else ""


def _take_out(cards: list[bytes], name: str) -> None:
    kept: list[bytes] = []
    is_out = False
    for card in cards:
        is_out = _name_of(card) == name or (is_out and card.startswith(_CONTINUE))
        if not is_out:
            kept.append(card)
    cards[:] = kept


def _put(cards: list[bytes], name: str, image: bytes) -> None:
    for at, card in enumerate(cards):
        if _name_of(card) == name:
            end = at + 1
            while end < len(cards) and cards[end].startswith(_CONTINUE):
                end += 1
            cards[at:end] = [image]
            return
    is_long = image.startswith(b"HIERARCH ")
    at = len(cards)
    while at and (cards[at - 1].startswith(_COMMENTARY)):
        at -= 1
    if not is_long:
        long = (n for n, card in enumerate(cards) if card.startswith(b"HIERARCH "))
        at = next(long, at)
    cards.insert(at, image)


def _image(keyword: str, value: CardValue, comment: str) -> bytes:
    """Make a card, its comment cut to the room there is, without a warning."""
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    plain = _name(keyword)
    is_long = len(plain) > KEYWORD or " " in plain
    name = f"HIERARCH {plain}" if is_long else plain
    needed = len(fits.Card(name, value).image.rstrip())
    if needed > CARD:
        raise ValueError(f"{plain} = {value!r} has no room in a card")
    room = CARD - max(needed, 0 if is_long else 30) - len(" / ")
    card: fits.Card = fits.Card(name, value, comment[: max(room, 0)])
    image: str = card.image
    return image.encode("ascii")


def _signed(header: bytes, data: int) -> bytes:
    """Set the CHECKSUM of a header that has one, whose data add up to `data`."""
    cards = range(0, len(header), CARD)
    at = next((at for at in cards if header[at : at + 9] == b"CHECKSUM="), -1)
    if at < 0:
        return header
    value = header.find(b"'", at, at + CARD) + 1
    stop = header.find(b"'", value, at + CARD)
    if not value or stop - value == 0:
        return header
    if stop - value != len(_UNSIGNED):
        comment = header[stop + 1 : at + CARD].strip()
        card = b"CHECKSUM= '" + _UNSIGNED + b"'   " + comment
        header = header[:at] + card[:CARD].ljust(CARD) + header[at + CARD :]
        value = at + 11
    end = value + len(_UNSIGNED)
    zeroed = header[:value] + _UNSIGNED + header[end:]
    return zeroed[:value] + encoded(sum_of(zeroed) + data) + zeroed[end:]
