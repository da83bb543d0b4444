"""What a person touches on screen."""
