"""What people look at in a browser: pages made on the server, which work without JavaScript, and are live with it.

They show what the API answers, from the same views and under the same rules, and decide nothing themselves.
"""
