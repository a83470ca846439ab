"""Files of questions and recorded answers: read as a stream, checked, written whole."""
