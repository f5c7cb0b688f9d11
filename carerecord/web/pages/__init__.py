"""One file for each page, named as its template and its test are."""
