"""The pages: server-rendered, every view a URL, nothing that needs JavaScript or reaches another host."""
