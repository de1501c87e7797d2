/// A question that a policy cannot answer, or an answer that it must not give.
public enum PolicyError: Error, Equatable, CustomStringConvertible {
    /// An array with another number of elements than its shape has.
    case wrongCount(what: String, shape: [Int], found: Int)
    /// A request with more or fewer observations than the policy looks at.
    case wrongHistory(expected: Int, found: Int)
    /// More or fewer images of a camera than a batch has observations.
    case wrongImageCount(camera: String, expected: Int, found: Int)
    /// A raw observation that is infinite or no number.
    case observationNotFinite(item: Int, index: Int, value: String)
    /// Given noise that is infinite or no number.
    case noiseNotFinite(index: Int, value: String)
    /// An action to start denoising from that is infinite or no number.
    case startNotFinite(item: Int, time: Int, component: Int, value: String)
    /// A predicted action that is infinite or no number.
    case actionNotFinite(item: Int, time: Int, component: Int)

    /// One line: what was expected, what was found, what to do.
    public var description: String {
        switch self {
        case .wrongCount(let what, let shape, let found):
            "\(what): expected \(shape.reduce(1, *)) numbers of shape \(shape), found \(found)"
        case .wrongHistory(let expected, let found):
            "request: expected \(expected) observations, the oldest first, found \(found)"
        case .wrongImageCount(let camera, let expected, let found):
            "image \"\(camera)\": expected \(expected) images, one an observation, found \(found)"
        case .observationNotFinite(let item, let index, let value):
            "observation of item \(item), number \(index): expected a finite number, found \(value)"
        case .noiseNotFinite(let index, let value):
            "noise, number \(index): expected a finite number, found \(value)"
        case .startNotFinite(let item, let time, let component, let value):
            "warm start of item \(item), time \(time), component \(component): expected a finite number, found \(value)"
        case .actionNotFinite(let item, let time, let component):
            """
            action of item \(item), time \(time), component \(component): expected a finite number; the observation may lie \
            far outside of the demonstrations, or the weights have diverged
            """
        }
    }
}
