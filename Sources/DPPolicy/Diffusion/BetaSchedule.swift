import DPBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The schedule of the variance β of the noise that each diffusion step adds.
///
/// Encoded under the names that diffusers uses: `squaredcos_cap_v2`, or `{name: linear, start: …, end: …}`. A bare
/// `linear` or `scaled_linear` selects the default range.
///
/// ```swift
/// var recipe = try RecipeFile.read("pusht-lowdim")
/// recipe.policy.diffusion.betas = .linear(start: 0.0001, end: 0.02)
/// ```
public enum BetaSchedule: Sendable, Hashable {
    /// ᾱ falls as a squared cosine with offset 0.008, and no β exceeds 0.999 (Nichol and Dhariwal 2021, equation 17).
    case squaredCosine
    /// β grows in equal steps (Ho et al. 2020, section 4).
    case linear(start: Double = 0.0001, end: Double = 0.02)
    /// √β grows in equal steps (Rombach et al. 2022, the reference implementation of latent diffusion).
    case scaledLinear(start: Double = 0.0001, end: Double = 0.02)

    /// Every schedule, with its default range.
    package static let choices: [BetaSchedule] = [.squaredCosine, .linear(), .scaledLinear()]

    /// Returns the variances β of a diffusion of `count` steps, the least noisy step first.
    package func betas(count: Int) -> [Double] {
        switch self {
        case .squaredCosine:
            (0..<count).map { step in
                let now = cosineProduct(Double(step) / Double(count))
                let next = cosineProduct(Double(step + 1) / Double(count))
                return min(1 - next / now, 0.999)
            }
        case .linear(let start, let end):
            evenlySpaced(from: start, through: end, count: count)
        case .scaledLinear(let start, let end):
            evenlySpaced(from: start.squareRoot(), through: end.squareRoot(), count: count).map { $0 * $0 }
        }
    }

    /// Checks that every β is a variance.
    /// - Throws: `InputError` unless 0 < start ≤ end < 1.
    package func validate() throws {
        switch self {
        case .squaredCosine: break
        case .linear(let start, let end), .scaledLinear(let start, let end):
            guard start > 0, start <= end, end < 1 else {
                throw InputError(key: "betas", expected: "0 < start ≤ end < 1", found: "\(start) … \(end)")
            }
        }
    }
}

extension BetaSchedule: Codable {
    private enum Name: String, Codable, CaseIterable {
        case squaredCosine = "squaredcos_cap_v2"
        case linear
        case scaledLinear = "scaled_linear"
    }

    private enum CodingKeys: String, CodingKey {
        case name
        case start
        case end
    }

    /// Reads a name, or a name with its range.
    public init(from decoder: any Decoder) throws {
        let container = try? decoder.container(keyedBy: CodingKeys.self)
        let name = try container?.decode(Name.self, forKey: .name) ?? Name(from: decoder)
        let start = try container?.decodeIfPresent(Double.self, forKey: .start) ?? 0.0001
        let end = try container?.decodeIfPresent(Double.self, forKey: .end) ?? 0.02
        switch name {
        case .squaredCosine: self = .squaredCosine
        case .linear: self = .linear(start: start, end: end)
        case .scaledLinear: self = .scaledLinear(start: start, end: end)
        }
    }

    /// Writes the name, and the range where there is one.
    public func encode(to encoder: any Encoder) throws {
        func encode(_ name: Name, _ start: Double, _ end: Double) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(start, forKey: .start)
            try container.encode(end, forKey: .end)
        }
        switch self {
        case .squaredCosine: try Name.squaredCosine.encode(to: encoder)
        case .linear(let start, let end): try encode(.linear, start, end)
        case .scaledLinear(let start, let end): try encode(.scaledLinear, start, end)
        }
    }
}

/// Returns the unnormalized ᾱ at a fraction of the diffusion; the offset keeps the first β from vanishing.
private func cosineProduct(_ fraction: Double) -> Double {
    let cosine = cos((fraction + 0.008) / 1.008 * .pi / 2)
    return cosine * cosine
}

private func evenlySpaced(from start: Double, through end: Double, count: Int) -> [Double] {
    (0..<count).map { start + (end - start) * Double($0) / Double(max(count - 1, 1)) }
}
