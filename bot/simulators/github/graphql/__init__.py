"""As much of GraphQL as the bot uses: queries are really parsed, and an unknown field or mutation is an error."""
