"""From a trained model to a file for another runtime."""
