import { Examined, type Look } from '../../shared/pages/examined.js'
import { texts } from './texts.js'

export const DoctorPage = () => <Examined texts={texts.doctor} lookOf={(look: Look) => look} />
