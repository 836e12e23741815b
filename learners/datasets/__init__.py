"""The data sets: loaders of the publishers' own layouts, their catalogue, download and local import."""
