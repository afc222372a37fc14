"""What models get wrong: from the predictions that runs have kept to the page of mistakes.

Imports what is below it: the answer of a comparison, the record, the prepared images, the page.
"""
