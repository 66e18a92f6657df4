"""Pictures: drawn, worked on, enlarged, cut out. Pure Pillow and NumPy; the order decides all."""
