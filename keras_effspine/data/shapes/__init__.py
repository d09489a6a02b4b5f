"""The embedded data set: drawn shapes with boxes, masks and crowds."""
