"""What ``socialsync doctor`` looks at. A check changes nothing and shows no secret."""
