import pg from 'pg';

/** Runs `use` with a connected client and closes it. */
export async function withClient(connection, use) {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/**
 * Creates `connection.database`. It is not an error when another process creates it at the same
 * time.
 */
export async function createDatabase(connection, name = connection.database) {
  try {
    await withClient({ ...connection, database: 'postgres' }, (client) =>
      client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`),
    );
  } catch (error) {
    if (error.code !== '42P04' && error.code !== '23505') throw error;
  }
}

export async function dropDatabase(connection, name) {
  await withClient({ ...connection, database: 'postgres' }, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`),
  );
}
