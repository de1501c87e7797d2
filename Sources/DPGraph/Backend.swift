/// A machine that computes graphs.
package protocol Backend: AnyObject, Sendable {
    /// The precision of the operands of products and of stored feature maps; see `Graph.withProducts(in:)`.
    var precision: Precision { get }
    /// The number of parts that work is divided into.
    ///
    /// It determines the order of sums, so results for different numbers differ in their last bits.
    var threads: Int { get }

    /// Creates a vector of zeros in the machine's memory.
    /// - Throws: when there is not enough memory.
    func makeBuffer(count: Int) throws -> any DeviceBuffer

    /// Prepares a graph for running.
    /// - Parameters:
    ///   - parameters: the flat vector that `graph.parameters` describes. Executables that share it also share its
    ///     packed copies.
    ///   - gradients: a vector of the same length that runs write `graph.gradients` to; ranges without a gradient
    ///     stay unchanged.
    /// - Throws: when the machine lacks an operation in the requested precision.
    func compile(_ graph: Graph, parameters: any DeviceBuffer, gradients: (any DeviceBuffer)?) throws -> any Executable

    /// Returns the sum of the squares of a vector's elements.
    func sumOfSquares(of buffer: any DeviceBuffer) throws -> Double

    /// Adds `factor` times a vector to another.
    func add(_ buffer: any DeviceBuffer, scaledBy factor: Float, to total: any DeviceBuffer) throws

    /// Updates the weights and their EMA once, in one pass over the flat vectors.
    ///
    /// A frozen range keeps its weights, and its EMA is a copy of them.
    func update(_ state: TrainingState, table: ParameterTable, with update: AdamWUpdate) throws

    /// Runs a series of calls with no other thread's calls in between.
    ///
    /// A backend serves one caller at a time; other callers wait.
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result
}

extension Backend {
    /// 1, unless a machine overrides it.
    package var threads: Int { 1 }
}

/// A vector of float32 values in a machine's memory.
package protocol DeviceBuffer: AnyObject, Sendable {
    /// Number of elements.
    var count: Int { get }
    /// Copies elements to host memory, beginning at `offset`.
    func read(into values: UnsafeMutableBufferPointer<Float>, offset: Int)
    /// Copies elements from host memory, beginning at `offset`.
    func write(_ values: UnsafeBufferPointer<Float>, offset: Int)
}

/// A graph prepared for a machine.
///
/// Its inputs and outputs keep their addresses, so runs allocate nothing.
package protocol Executable: AnyObject {
    /// Sets an input before a run.
    /// - Precondition: the graph has the input, with as many elements.
    func write(_ name: String, _ values: UnsafeBufferPointer<Float>)
    /// Computes the values that change at a rate. A run at `.iteration` uses the results of the latest run at
    /// `.conditioning`. Values that depend only on the weights are computed before either if the weights have
    /// changed.
    func run(_ rate: Rate) throws
    /// Reads an output after a run.
    /// - Precondition: the graph has the output, with as many elements.
    func read(_ name: String, into values: UnsafeMutableBufferPointer<Float>)
}

extension DeviceBuffer {
    /// Returns all elements.
    package func values() -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { read(into: $0, offset: 0) }
        return values
    }

    /// Copies elements from an array, beginning at `offset`.
    package func write(_ values: [Float], offset: Int = 0) {
        values.withUnsafeBufferPointer { write($0, offset: offset) }
    }
}

extension Executable {
    /// Sets an input before a run.
    package func write(_ name: String, _ values: [Float]) {
        values.withUnsafeBufferPointer { write(name, $0) }
    }

    /// Reads an output of `count` elements after a run.
    package func read(_ name: String, count: Int) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { read(name, into: $0) }
        return values
    }
}

extension Graph {
    /// Stops the program if vectors do not fit the graph's table; for backends.
    package func checkVectors(parameters vector: any DeviceBuffer, gradients vectorOfGradients: (any DeviceBuffer)?) {
        for found in [vector.count, vectorOfGradients?.count ?? parameters.count] {
            precondition(found == parameters.count, "expected vectors of \(parameters.count) elements, found \(found)")
        }
        precondition(
            vectorOfGradients != nil || gradients.isEmpty,
            "expected a vector for \(gradients.count) gradients, found none")
    }
}

extension TrainingState {
    /// Stops the program if the vectors do not fit a table; for backends.
    package func checkVectors(_ table: ParameterTable) {
        for vector in [parameters, gradients, firstMoment, secondMoment, average] {
            precondition(
                vector.count == table.count, "expected vectors of \(table.count) elements, found \(vector.count)")
        }
    }
}
