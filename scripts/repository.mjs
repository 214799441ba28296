// Where the repository is published, as far as that is known: GitHub's workflows say it.

/** `owner/name`; undefined outside of a workflow. */
const repository = process.env.GITHUB_REPOSITORY;

/** The address of the repository; undefined where it is not known. */
export const repositoryUrl = () => (repository ? `https://github.com/${repository}` : undefined);
