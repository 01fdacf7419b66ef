"""What holds for all tests."""

import signal

# The jobs that a shell starts in the background ignore Ctrl-C, and so do their children, which some
# tests interrupt; a handler here gives children the default back.
signal.signal(signal.SIGINT, signal.default_int_handler)
