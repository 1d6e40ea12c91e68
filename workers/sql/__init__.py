"""SQL as text: quoting and check queries per dialect. Pure: the dispatcher may import it."""
