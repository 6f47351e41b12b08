"""What is judged and how: pure functions over events, without clock, network, files or pytest."""
