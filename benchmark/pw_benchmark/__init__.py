"""The open benchmark: which trades a reader of transactions finds, wrong ones and invented ones."""
