"""The terminal: where facts for people go, whatever text they hold."""

from rich.console import Console
from rich.markup import escape

from phoenix_core.words.answer import give_up
from phoenix_core.words.plain_text import plain


class Terminal(Console):
    """A console whose reader may go away: the run that is told of goes on."""

    def on_broken_pipe(self) -> None:
        """Print no more; rich would end the process."""
        self.quiet = True
        give_up(self.file)

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError:  # no room for what is told, say; for the work there may be
            self.on_broken_pipe()


def safe(text: str) -> str:
    """Return a text from elsewhere for rich: no markup, nothing a terminal obeys."""
    return escape(plain(text))
