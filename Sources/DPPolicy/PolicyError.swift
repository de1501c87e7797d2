/// An invalid request to a policy, or a result that it must not return.
///
/// ```swift
/// do {
///     let request = ChunkRequest(observations: [observation], key: RandomKey(seed: 0))
///     print(try policy.predictActionChunks(for: [request])[0].actions)
/// } catch PolicyError.wrongHistory(let expected, let found) {
///     print("pass the latest \(expected) observations instead of \(found)")
/// }
/// ```
public enum PolicyError: Error, Equatable, CustomStringConvertible {
    /// An array whose number of elements does not match its shape.
    case wrongCount(what: String, shape: [Int], found: Int)
    /// A request with more or fewer observations than the policy uses.
    case wrongHistory(expected: Int, found: Int)
    /// More or fewer images of a camera than a batch has observations.
    case wrongImageCount(camera: String, expected: Int, found: Int)
    /// A raw observation that is infinite or not a number.
    case observationNotFinite(item: Int, index: Int, value: String)
    /// Given noise that is infinite or not a number.
    case noiseNotFinite(index: Int, value: String)
    /// An action of a warm start that is infinite or not a number.
    case startNotFinite(item: Int, time: Int, component: Int, value: String)
    /// A predicted action that is infinite or not a number.
    case actionNotFinite(item: Int, time: Int, component: Int)

    /// One line: the expected value, the found value, and a hint.
    public var description: String {
        switch self {
        case .wrongCount(let what, let shape, let found):
            "\(what): expected \(shape.reduce(1, *)) numbers of shape \(shape), found \(found)"
        case .wrongHistory(let expected, let found):
            "request: expected \(expected) observations, the oldest first, found \(found)"
        case .wrongImageCount(let camera, let expected, let found):
            "image \"\(camera)\": expected \(expected) images, one per observation, found \(found)"
        case .observationNotFinite(let item, let index, let value):
            "observation of item \(item), number \(index): expected a finite number, found \(value)"
        case .noiseNotFinite(let index, let value):
            "noise, number \(index): expected a finite number, found \(value)"
        case .startNotFinite(let item, let time, let component, let value):
            "warm start of item \(item), time \(time), component \(component): expected a finite number, found \(value)"
        case .actionNotFinite(let item, let time, let component):
            """
            action of item \(item), time \(time), component \(component): expected a finite number; the observation \
            may be far outside of the training data, or the weights have diverged
            """
        }
    }
}
