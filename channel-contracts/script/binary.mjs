import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this workspace. */
export const workspace = dirname(dirname(fileURLToPath(import.meta.url)))

const architectures = { x64: 'amd64', arm64: 'arm64' }

/**
 * Where the native executable of a Foundry tool lies. The packages that only forward to it are not used:
 * they exit with 0 whatever happened, so that failing tests would look green.
 *
 * @param {'forge' | 'anvil'} tool
 * @returns {string} Path of the executable.
 * @throws {Error} When no package for this machine is installed.
 */
export function binary(tool) {
  const platform = process.platform === 'win32' ? 'win32' : process.platform
  const name = `@foundry-rs/${tool}-${platform}-${architectures[process.arch] ?? process.arch}`
  const file = `bin/${tool}${process.platform === 'win32' ? '.exe' : ''}`
  const own = process.env[`PONTAGE_${tool.toUpperCase()}`]
  if (own) return own
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/${file}`)
    chmodSync(path, 0o755)
    return path
  } catch (cause) {
    throw new Error(
      `No ${tool} for this machine: ${name} is not installed. Run "npm install" on a supported platform, ` +
        `or name your own executable in PONTAGE_${tool.toUpperCase()}.`,
      { cause },
    )
  }
}

/** Runs a tool in the workspace with its output shown, and returns its exit code. */
export function run(tool, args, options = {}) {
  const ended = spawnSync(binary(tool), args, { cwd: workspace, stdio: 'inherit', ...options })
  if (ended.error) throw new Error(`${tool} could not be started`, { cause: ended.error })
  return ended.status ?? 1
}
