"""What is known of each token: windows, prices, wallets, measures."""
