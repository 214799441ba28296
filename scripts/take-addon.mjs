// `node scripts/take-addon.mjs NAME` puts the addon that cargo has built into the package of the platform with this name.
import { builtLibrary } from './addon.mjs';
import { takeAddon } from './platform-packages.mjs';
import { platforms } from './platforms.mjs';
import { Failure, runAsScript } from './script.mjs';

await runAsScript(import.meta.url, () => {
  const name = process.argv[2];
  const platform = platforms.find((one) => one.name === name);
  if (platform === undefined) {
    throw new Failure(`no platform ${name ?? 'is named'}; there are ${platforms.map((one) => one.name).join(', ')}`);
  }
  takeAddon(platform, builtLibrary());
});
