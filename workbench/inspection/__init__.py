"""Reading a trained model: attention against gold alignments, and what the search left out."""
