import DPBase
import DPInterface

extension DiffusionPolicy {
    /// Returns the starting noise, `[B, Tp, A]`, or `[B, Tp, A + D]` when observations are inpainted; nil if no
    /// request provides its own.
    ///
    /// Requests without noise receive the noise that their keys would generate anyway.
    /// - Throws: `PolicyError` when the noise of a request has the wrong size.
    func startingNoise(of requests: [ChunkRequest]) throws -> [Float]? {
        guard requests.contains(where: { $0.noise != nil }) else { return nil }
        let dimension = configuration.action.dimension
        var all: [Float] = []
        for request in requests {
            var noise = [Float](repeating: 0, count: horizon.prediction * model.sampleDimension)
            request.key.folding(0).fillNormal(&noise)
            if let own = request.noise {
                guard own.count == horizon.prediction * dimension else {
                    throw PolicyError.wrongCount(
                        what: "noise", shape: [horizon.prediction, dimension], found: own.count)
                }
                for (index, value) in own.enumerated() {
                    noise[index / dimension * model.sampleDimension + index % dimension] = value
                }
            }
            all += noise
        }
        return all
    }
}
