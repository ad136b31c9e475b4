"""A leaf: pandas frames and Plotly figures, nothing else."""
