"""Second readings of the rules: written from their texts, importing nothing of the product."""
