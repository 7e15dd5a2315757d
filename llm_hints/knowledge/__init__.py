"""CSA: passages on traffic law and safety guidance, their retrieval, their way into a prompt, and what they change."""
