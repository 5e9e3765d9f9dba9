"""What these tests share with the functional ones lies there."""
