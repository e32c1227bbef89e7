"""What the end-to-end tests share: the server as a process, AWS's clients, and raw requests."""
