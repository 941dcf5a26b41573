"""What presenters wear and grow, to measure: numbers, paths and colours in, marks out."""
