"""What one family of benchmarks shares."""
