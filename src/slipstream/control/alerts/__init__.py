"""Whether what publishers send is as it should be."""
