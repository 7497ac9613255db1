"""Makes the classifier's artefact from the corpus, by hand and offline; no part of the product."""
