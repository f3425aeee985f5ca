// Serves @simulacrum/github-api-simulator; prints its URL. Arguments: the folder where it is installed.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const installed = createRequire(`${process.argv[2]}/package.json`);
const folder = installed.resolve("@simulacrum/github-api-simulator/package.json").replace(/package\.json$/, "");
const { simulation } = await import(pathToFileURL(`${folder}dist/index.mjs`));
const initialState = {
  users: [{ login: "octocat", organizations: ["github"], email: "octocat@example.com", name: "Octocat" }],
  organizations: [{ login: "github" }],
  repositories: [],
  branches: [],
  blobs: [],
};
const listening = await simulation({ initialState }).listen(Number(process.argv[3] ?? 3377));
console.log(`http://127.0.0.1:${(listening.server ?? listening).address?.()?.port ?? process.argv[3] ?? 3377}`);
