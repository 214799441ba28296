// Where the repository is published, as far as that is known: GitHub's workflows say it.

/** The address of the repository; undefined outside of a workflow. */
export function repositoryUrl() {
  const { GITHUB_REPOSITORY: name } = process.env;
  return name ? `https://github.com/${name}` : undefined;
}

/**
 * The fields of a published manifest about its origin; none where that is not known. npm compares `repository` with the workflow
 * that publishes, and refuses another one.
 */
export function originOf(directory) {
  const url = repositoryUrl();
  if (url === undefined) return {};
  return {
    repository: { type: 'git', url: `git+${url}.git`, directory },
    homepage: `${url}#readme`,
    bugs: `${url}/issues`,
  };
}
