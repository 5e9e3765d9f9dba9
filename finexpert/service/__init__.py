"""The work behind commands, page and demo, without printing: clients come in, plain values go out."""
