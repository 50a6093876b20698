"""The commands as they are typed. Each brings in what it does when it is called: `--help` must not wait for that."""
