import { short } from '../../shared/pages/amounts.js'

/** An address or an id, in short; whole where one points at it. */
export const Id = ({ of }: { of: string }) => (
  <span class="mono" title={of}>
    {short(of)}
  </span>
)
