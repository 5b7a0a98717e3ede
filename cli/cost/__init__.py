"""What a backend costs: prices, bills of what was counted, predictions, and which quota ends first."""
