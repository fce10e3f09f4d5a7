"""Code of others that is run for the user."""

import sys
from threading import Event, Thread

from molopt.importing import Aside


def test_what_threads_print_at_the_same_time_is_set_aside_and_then_no_longer(capsys):
    aside, both, first_left = Aside(), Event(), Event()

    def second():
        with aside:
            both.set()
            first_left.wait(10)
            print("the second")

    before = sys.stdout
    thread = Thread(target=second)
    with aside:
        thread.start()
        both.wait(10)
        print("the first")
    first_left.set()
    thread.join()
    print("a result")
    assert sys.stdout is before
    assert capsys.readouterr() == ("a result\n", "the first\nthe second\n")
