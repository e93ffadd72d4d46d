import io

from gfla_tf.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_drawn_in_place_and_ends_its_line():
    terminal = Terminal()
    show = progress_bar("evaluating", terminal)
    show(20, 40)
    assert terminal.getvalue().startswith("\r")
    assert "20/40" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()
    show(40, 40)
    assert terminal.getvalue().endswith("\n")


def test_nothing_is_drawn_into_a_file():
    file = io.StringIO()
    progress_bar("evaluating", file)(1, 2)
    assert file.getvalue() == ""
