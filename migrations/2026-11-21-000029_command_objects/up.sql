-- The comparison with the provider's journal asks for the request that made a refund.
CREATE INDEX provider_commands_of_object ON provider_commands (object) WHERE object IS NOT NULL;
