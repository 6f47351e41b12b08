"""What a run leaves behind, rendered purely from its record: verdict, pages and summaries."""
