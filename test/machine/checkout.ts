import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Host, Market } from '../world/index.js'
import type { Machine } from './machine.js'

/**
 * Carries somebody's home folder from a host of the world into a machine: what takes a processor long, such as making a key
 * and opening a channel, was done there.
 *
 * @param folder - Name of the folder in the home, such as `.pontage/consumer`.
 * @param to - Where it goes in the machine, and is root's.
 */
export async function carryHome(
  market: Market,
  machine: Machine,
  from: Host,
  folder: string,
  to: string,
): Promise<void> {
  const packed = execFileSync('tar', ['-C', `${from.home}/${folder}`, '-cz', '.']).toString('base64')
  const deployment = readFileSync(market.deploymentFile).toString('base64')
  await machine.run(`
    mkdir -p -m 0700 ${to} /etc/pontage
    base64 -d <<<${packed} | tar -C ${to} -xz
    base64 -d <<<${deployment} >${to}/deployment.json
    printf '%s\\n' '${from.name} password' >/etc/pontage/password
    chown -R root:root ${to}
    chmod 600 /etc/pontage/password
    sed -i 's#^deployment:.*#deployment: ${to}/deployment.json#; s#^password-file:.*#password-file: /etc/pontage/password#' \\
      ${to}/config.yaml`)
}
