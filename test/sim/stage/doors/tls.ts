import { Socket } from './net.js'

/** No connection of the simulation is encrypted: a certificate is a name that both ends see. */
export class TLSSocket extends Socket {
  getPeerCertificate() {
    return { raw: this.certificate }
  }
  getCertificate() {
    return { raw: this.certificate }
  }
}

export const connect = (): never => {
  throw new Error('The simulation has no TLS of its own.')
}
export const createSecureContext = () => ({})
