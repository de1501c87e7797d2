import Foundation

/// Student's t distribution with a whole number of degrees of freedom.
struct StudentT {
    let degreesOfFreedom: Int

    init(degreesOfFreedom: Int) {
        precondition(degreesOfFreedom >= 1, "\(degreesOfFreedom) degrees of freedom")
        self.degreesOfFreedom = degreesOfFreedom
    }

    /// The `t` for which `|T| ≤ t` has the given probability; 2.0096 for 0.95 and 49 degrees of freedom.
    ///
    /// Found by bisection over the angle `θ = atan(t / √ν)`.
    func criticalValue(confidence: Double) -> Double {
        var lower = 0.0
        var upper = Double.pi / 2
        for _ in 0..<60 {
            let middle = (lower + upper) / 2
            if probability(ofAngle: middle) < confidence { lower = middle } else { upper = middle }
        }
        return Double(degreesOfFreedom).squareRoot() * tan(lower)
    }

    /// The probability of `|T| ≤ √ν tan θ`, as the finite series of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    private func probability(ofAngle angle: Double) -> Double {
        let (sine, cosine) = (sin(angle), cos(angle))
        let isOdd = degreesOfFreedom % 2 == 1
        var term = isOdd ? cosine : 1
        var sum = degreesOfFreedom == 1 ? 0 : term
        for factor in stride(from: isOdd ? 3 : 2, to: degreesOfFreedom, by: 2) {
            term *= cosine * cosine * Double(factor - 1) / Double(factor)
            sum += term
        }
        return isOdd ? (angle + sine * sum) * 2 / .pi : sine * sum
    }
}
