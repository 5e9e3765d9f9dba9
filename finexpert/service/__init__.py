"""What commands and the demo do: one thing a module, no printing. Clients come in, plain values go out."""
